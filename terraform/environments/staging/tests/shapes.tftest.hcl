# The environment as deploy.sh, browsers and the night see it.
mock_provider "aws" {
  source = "../../mocks"
}

variables {
  image_tag     = "0123456789abcdef0123456789abcdef01234567"
  allowed_cidrs = ["203.0.113.0/24"]
  alert_emails  = ["operations@example.com"]
}

run "first_deployment" {
  variables {
    started = false
  }

  assert {
    condition     = toset(keys(output.service_task_definitions)) == toset(["orchestration", "pages", "webserver"])
    error_message = "deploy.sh moves these services."
  }

  assert {
    condition     = startswith(output.connection_info.urls.report, "http://") && endswith(output.connection_info.urls.dagster, ":3000") && endswith(output.connection_info.urls.mlflow, ":5000")
    error_message = "Without a domain each page is at its port of the load balancer."
  }

  assert {
    condition     = jsondecode(output.network_configuration).awsvpcConfiguration.assignPublicIp == "ENABLED"
    error_message = "A task without a public address reaches neither registry nor secrets: there is no NAT gateway."
  }

  assert {
    condition     = output.deploy_role_arn == null
    error_message = "Without a repository nobody deploys but people."
  }
}

run "with_a_domain_everything_is_behind_the_login" {
  variables {
    allowed_cidrs = ["0.0.0.0/0"]
    jupyter       = true

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
    condition = output.connection_info.urls == {
      report  = "https://celec.example.com"
      dagster = "https://celec.example.com:3000"
      mlflow  = "https://celec.example.com:5000"
      jupyter = "https://celec.example.com:8888"
    }
    error_message = "Every page has its address under the domain."
  }

  assert {
    condition     = contains(keys(output.service_task_definitions), "jupyter")
    error_message = "deploy.sh moves JupyterLab too."
  }
}

run "workflows_of_a_repository" {
  variables {
    github_repository = "celec@123456/celec_assets@456789"
  }

  assert {
    condition     = output.deploy_role_arn != null && output.plan_role_arn != null
    error_message = "GitHub needs both: to deploy, and to plan for pull requests."
  }
}
