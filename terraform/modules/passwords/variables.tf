variable "name" {
  description = "Prefix of the secrets' names."
  type        = string
}

variable "users" {
  description = "Users of the database, each of whom has a secret and owns a database of the same name."
  type        = set(string)
}

variable "password_version" {
  description = "One more than before makes new passwords: docs/operations.md."
  type        = number
}
