mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name           = "celec-test"
  vpc_cidr       = "10.99.0.0/16"
  allowed_cidrs  = ["203.0.113.0/24", "198.51.100.7/32"]
  entrance_ports = { 80 = "The report", 3000 = "Dagster" }
  ports          = { webserver = 3000, code = 4000, mlflow = 5000, report = 8080, jupyter = 8888, database = 5432 }
  jupyter        = false
  login          = false
}

run "closed_doors" {
  assert {
    condition     = length(aws_subnet.public) == 2 && length(aws_subnet.private) == 2 && length(distinct([for subnet in aws_subnet.public : subnet.availability_zone])) == 2
    error_message = "Two zones."
  }

  assert {
    condition     = aws_route_table.private.id != aws_route_table.public.id && aws_route.internet.route_table_id == aws_route_table.public.id
    error_message = "Only the public subnets have a road out."
  }

  assert {
    condition = alltrue([
      for rule in aws_vpc_security_group_ingress_rule.visit : rule.security_group_id == aws_security_group.this["entrance"].id
    ])
    error_message = "Addresses from outside are let in to the load balancer and nowhere else."
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.visit : "${rule.cidr_ipv4} ${rule.from_port}"]) == toset(["203.0.113.0/24 80", "203.0.113.0/24 3000", "198.51.100.7/32 80", "198.51.100.7/32 3000"])
    error_message = "Every block at every port, and nothing else."
  }

  assert {
    condition     = keys(aws_vpc_security_group_ingress_rule.conversation) == keys(aws_vpc_security_group_egress_rule.conversation)
    error_message = "What one side may say the other must hear."
  }

  assert {
    condition     = !contains(keys(aws_vpc_security_group_egress_rule.https), "database") && !contains(keys(aws_vpc_security_group_egress_rule.https), "entrance")
    error_message = "The database asks nobody, and without a login the load balancer does not either."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.historian.security_group_id == aws_security_group.this["runs"].id
    error_message = "Runs ask the historian."
  }
}

run "the_login_is_asked_over_https" {
  variables {
    login = true
  }

  assert {
    condition     = contains(keys(aws_vpc_security_group_egress_rule.https), "entrance")
    error_message = "The load balancer must reach Cognito."
  }
}

run "jupyter_has_a_group_when_it_is_there" {
  variables {
    jupyter = true
  }

  assert {
    condition     = contains(keys(aws_vpc_security_group_ingress_rule.conversation), "entrance-jupyter") && !contains(keys(aws_vpc_security_group_ingress_rule.conversation), "jupyter-database")
    error_message = "Notebooks are reached through the load balancer, and do not reach the database."
  }
}

run "a_vpc_that_is_too_small" {
  command = plan

  variables {
    vpc_cidr = "10.99.0.0/24"
  }

  expect_failures = [var.vpc_cidr]
}
