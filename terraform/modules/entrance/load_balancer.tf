resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_150:Protected in prod; staging is taken down by one command
  #checkov:skip=CKV2_AWS_28:A web application firewall costs $5 and more; who gets here was let in by address or by the login
  #checkov:skip=CKV2_AWS_20:Without a domain there is no certificate; then only named addresses are let in

  name                       = var.name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = var.subnet_ids
  security_groups            = [var.security_group_id]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.protected
  idle_timeout               = 120 # seconds; Dagster's pages keep a connection open

  access_logs {
    bucket  = var.log_bucket
    prefix  = "entrance"
    enabled = true
  }
}
