locals {
  scheme = var.domain == null ? "http" : "https"
  host   = var.domain == null ? aws_lb.this.dns_name : var.domain.name
}

output "origins" {
  description = "Scheme, host and port of each page, as browsers write them."
  value = {
    for page, where in var.pages : page =>
    contains([80, 443], where.listener_port) ? "${local.scheme}://${local.host}" : "${local.scheme}://${local.host}:${where.listener_port}"
  }
}

output "host" {
  description = "Name under which people open the pages."
  value       = local.host
}

output "dns_name" {
  description = "The load balancer's own name, for the domain's CNAME or alias."
  value       = aws_lb.this.dns_name
}

output "arn_suffix" {
  description = "The load balancer in CloudWatch's metrics."
  value       = aws_lb.this.arn_suffix
}

output "target_groups" {
  description = "Target group of each page, as soon as a listener sends to it; suffix: its name in CloudWatch's metrics."
  value = {
    for page, listener in aws_lb_listener.page : page => {
      arn    = aws_lb_target_group.this[page].arn
      suffix = aws_lb_target_group.this[page].arn_suffix
    }
  }
}
