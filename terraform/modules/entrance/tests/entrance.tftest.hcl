mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name              = "celec-test"
  vpc_id            = "vpc-1"
  subnet_ids        = ["subnet-1", "subnet-2"]
  security_group_id = "sg-1"
  log_bucket        = "logs"
  protected         = false
  domain            = null
  pages = {
    report  = { listener_port = 80, target_port = 8080, health_path = "/health" }
    dagster = { listener_port = 3000, target_port = 3000, health_path = "/server_info" }
  }
}

run "http" {
  assert {
    condition     = alltrue([for listener in aws_lb_listener.page : listener.protocol == "HTTP" && [for action in listener.default_action : action.type] == ["forward"]])
    error_message = "Without a domain every page is served as it is."
  }

  assert {
    condition     = length(aws_lb_listener.redirect) == 0
    error_message = "There is no HTTPS to be sent on to."
  }

  assert {
    condition     = alltrue([for group in aws_lb_target_group.this : group.target_type == "ip" && group.health_check[0].matcher == "200"])
    error_message = "Tasks are addresses, and say whether they are well."
  }
}

run "https" {
  variables {
    pages = {
      report  = { listener_port = 443, target_port = 8080, health_path = "/health" }
      dagster = { listener_port = 3000, target_port = 3000, health_path = "/server_info" }
    }
    domain = {
      name            = "celec.example.com"
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
      login = {
        user_pool_arn       = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Example"
        user_pool_client_id = "client"
        user_pool_domain    = "celec"
      }
    }
  }

  assert {
    condition     = alltrue([for listener in aws_lb_listener.page : listener.protocol == "HTTPS" && [for action in listener.default_action : action.type] == ["authenticate-cognito", "forward"]])
    error_message = "Nobody reaches a page who has not said who they are."
  }

  assert {
    condition     = length(distinct([for listener in aws_lb_listener.page : listener.default_action[0].authenticate_cognito[0].session_cookie_name])) == 2
    error_message = "Cookies know no ports: each page has its own."
  }

  assert {
    condition     = aws_lb_listener.redirect[0].port == 80 && aws_lb_listener.redirect[0].default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "Who comes over HTTP is sent on."
  }

  assert {
    condition     = output.origins == { report = "https://celec.example.com", dagster = "https://celec.example.com:3000" }
    error_message = "As browsers write them."
  }
}

run "a_name_that_leaves_no_room" {
  command = plan

  variables {
    name = "celec-a-very-long-name-indeed"
  }

  expect_failures = [var.name]
}
