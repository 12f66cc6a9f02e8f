output "identifier" {
  description = "Name of the instance in RDS."
  value       = aws_db_instance.this.identifier
}

output "host" {
  description = "Address of the instance."
  value       = aws_db_instance.this.address
}

output "master_user" {
  description = "The user that makes the others."
  value       = aws_db_instance.this.username
}

output "master_secret_arn" {
  description = "Its secret, JSON as well, which RDS changes every week."
  value       = join("", aws_db_instance.this.master_user_secret[*].secret_arn) # there is one
}
