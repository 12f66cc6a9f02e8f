# A listener a page: none of the three can live under a path of another's.
resource "aws_lb_listener" "page" {
  #checkov:skip=CKV_AWS_2:HTTP only where there is no domain, and then only for named addresses
  #checkov:skip=CKV_AWS_103:The policy allows TLS 1.2 and 1.3

  for_each = var.pages

  load_balancer_arn = aws_lb.this.arn
  port              = each.value.listener_port
  protocol          = var.domain == null ? "HTTP" : "HTTPS"
  certificate_arn   = var.domain == null ? null : var.domain.certificate_arn
  ssl_policy        = var.domain == null ? null : "ELBSecurityPolicy-TLS13-1-2-2021-06"

  # Dagster and MLflow have no login of their own. Not authenticate_oidc: it wants the client's secret, which Terraform's
  # state would hold; CELEC's own OIDC or SAML provider stands behind the user pool.
  dynamic "default_action" {
    for_each = var.domain == null ? [] : [var.domain.login]

    content {
      type  = "authenticate-cognito"
      order = 1

      authenticate_cognito {
        user_pool_arn       = default_action.value.user_pool_arn
        user_pool_client_id = default_action.value.user_pool_client_id
        user_pool_domain    = default_action.value.user_pool_domain
        session_cookie_name = "celec-${each.key}" # cookies know no ports: one page's would be sent to another
        session_timeout     = 43200               # seconds: a working day
      }
    }
  }

  default_action {
    type             = "forward"
    order            = var.domain == null ? null : 2
    target_group_arn = aws_lb_target_group.this[each.key].arn
  }
}

resource "aws_lb_listener" "redirect" {
  count = var.domain == null ? 0 : 1

  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"

    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }
}
