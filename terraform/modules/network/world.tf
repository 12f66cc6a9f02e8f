# What comes in from outside, and what goes out. The only rules that name addresses instead of groups.
locals {
  visits = {
    for pair in setproduct(keys(var.entrance_ports), var.allowed_cidrs) : "${pair[0]}-${pair[1]}" => {
      port = tonumber(pair[0])
      cidr = pair[1]
      what = var.entrance_ports[pair[0]]
    }
  }

  # AWS's own interfaces (images, secrets, logs, ECS, S3, SNS), and GEOGLOWS, whose addresses change.
  https_from = setsubtract(keys(local.groups), var.login ? ["database"] : ["database", "entrance"])
}

resource "aws_vpc_security_group_ingress_rule" "visit" {
  for_each = local.visits

  security_group_id = aws_security_group.this["entrance"].id
  cidr_ipv4         = each.value.cidr
  description       = each.value.what
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = local.https_from

  security_group_id = aws_security_group.this[each.key].id
  cidr_ipv4         = "0.0.0.0/0"
  description       = each.key == "entrance" ? "Cognito, for the login" : "HTTPS to AWS and public data"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# Only runs ask the historian; it stands in CELEC's network and its address may change.
resource "aws_vpc_security_group_egress_rule" "historian" {
  security_group_id = aws_security_group.this["runs"].id
  cidr_ipv4         = "0.0.0.0/0"
  description       = "The historian of CELEC"
  ip_protocol       = "tcp"
  from_port         = 8443
  to_port           = 8443
}
