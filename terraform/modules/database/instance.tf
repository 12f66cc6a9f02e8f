resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Private subnets in two zones"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_118:Enhanced monitoring writes a log group that costs more than what it would tell; free metrics have alarms
  #checkov:skip=CKV_AWS_157:A second instance doubles the price; forecasts live in the lake and a morning's runs are made again
  #checkov:skip=CKV_AWS_161:Neither Dagster nor MLflow renews IAM's tokens, which end after 15 minutes
  #checkov:skip=CKV_AWS_353:An instance of this size has a handful of queries; what is slow stands in the log
  #checkov:skip=CKV_AWS_293:Deletion protection is on in prod; staging is taken down by one command
  #checkov:skip=CKV2_AWS_30:Statements slower than a second are logged; all of them would be most of the log's price

  identifier     = var.name
  engine         = "postgres"
  engine_version = "16"
  instance_class = var.instance_class

  storage_type          = "gp3"
  allocated_storage     = var.storage_gb
  max_allocated_storage = var.storage_gb * 5
  storage_encrypted     = true

  # Made by RDS and changed every week. Only the task `database` reads it, and only while it runs.
  username                    = "postgres"
  manage_master_user_password = true

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [var.security_group_id]
  publicly_accessible    = false
  parameter_group_name   = aws_db_parameter_group.this.name

  # UTC; in Ecuador 06:00, before the morning's runs, and Friday at 17:00, after them. An instance that is stopped at that
  # hour, as staging is at night, gets neither a backup nor a patch.
  backup_retention_period    = 7
  backup_window              = "11:00-11:30"
  maintenance_window         = "fri:22:00-fri:22:45"
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  apply_immediately          = true

  enabled_cloudwatch_logs_exports = ["postgresql"]

  deletion_protection       = var.protected
  skip_final_snapshot       = !var.protected
  final_snapshot_identifier = "${aws_db_parameter_group.this.name}-final" # whose name is another each time it is made
  delete_automated_backups  = !var.protected

  depends_on = [aws_cloudwatch_log_group.postgresql]
}

# RDS would make it itself, and keep it for ever.
resource "aws_cloudwatch_log_group" "postgresql" {
  #checkov:skip=CKV_AWS_158:CloudWatch encrypts by itself; the log holds no secret
  #checkov:skip=CKV_AWS_338:A year of logs nobody reads

  name              = "/aws/rds/instance/${var.name}/postgresql"
  retention_in_days = var.log_retention_days
}
