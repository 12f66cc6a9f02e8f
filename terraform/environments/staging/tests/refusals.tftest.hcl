# What `terraform plan` refuses, before anything is asked of AWS.
mock_provider "aws" {
  source = "../../mocks"
}

variables {
  image_tag     = "0123456789abcdef0123456789abcdef01234567"
  allowed_cidrs = ["203.0.113.0/24"]
  alert_emails  = ["operations@example.com"]
}

run "the_whole_world_without_a_login" {
  command = plan

  variables {
    allowed_cidrs = ["0.0.0.0/0"]
  }

  expect_failures = [var.allowed_cidrs]
}

run "half_of_the_world_without_a_login" {
  command = plan

  variables {
    allowed_cidrs = ["0.0.0.0/1", "128.0.0.0/1"]
  }

  expect_failures = [var.allowed_cidrs]
}

run "the_whole_world_of_ipv6" {
  command = plan

  variables {
    allowed_cidrs = ["::/0"]
  }

  expect_failures = [var.allowed_cidrs]
}

run "an_address_that_is_no_block" {
  command = plan

  variables {
    allowed_cidrs = ["203.0.113.7"]
  }

  expect_failures = [var.allowed_cidrs]
}

run "nobody" {
  command = plan

  variables {
    allowed_cidrs = []
  }

  expect_failures = [var.allowed_cidrs]
}

run "notebooks_without_a_login" {
  command = plan

  variables {
    jupyter = true
  }

  expect_failures = [var.jupyter]
}

run "an_image_that_may_be_another_tomorrow" {
  command = plan

  variables {
    image_tag = "latest"
  }

  expect_failures = [var.image_tag]
}

run "a_commit_cut_short" {
  command = plan

  variables {
    image_tag = "0123456"
  }

  expect_failures = [var.image_tag]
}

run "alerts_to_nobody" {
  command = plan

  variables {
    alert_emails = []
  }

  expect_failures = [var.alert_emails]
}

run "a_domain_with_a_scheme" {
  command = plan

  variables {
    domain = {
      name            = "https://celec.example.com"
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
      login = {
        user_pool_arn       = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Example"
        user_pool_client_id = "client"
        user_pool_domain    = "celec"
      }
    }
  }

  expect_failures = [var.domain]
}

run "a_certificate_of_another_region" {
  command = plan

  variables {
    domain = {
      name            = "celec.example.com"
      certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
      login = {
        user_pool_arn       = "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Example"
        user_pool_client_id = "client"
        user_pool_domain    = "celec"
      }
    }
  }

  expect_failures = [var.domain]
}

run "a_domain_with_half_a_login" {
  command = plan

  variables {
    domain = {
      name            = "celec.example.com"
      certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
      login = {
        user_pool_arn       = ""
        user_pool_client_id = ""
        user_pool_domain    = ""
      }
    }
  }

  expect_failures = [var.domain]
}

run "a_password_that_grows_older" {
  command = plan

  variables {
    database_password_version = 0
  }

  expect_failures = [var.database_password_version]
}

run "no_budget" {
  command = plan

  variables {
    monthly_budget_usd = 0
  }

  expect_failures = [var.monthly_budget_usd]
}

run "a_repository_without_an_owner" {
  command = plan

  variables {
    github_repository = "celec_assets"
  }

  expect_failures = [var.github_repository]
}

run "a_repository_with_one_of_its_two_numbers" {
  command = plan

  variables {
    github_repository = "celec/celec_assets@456789"
  }

  expect_failures = [var.github_repository]
}

run "a_region_that_is_none" {
  command = plan

  variables {
    region = "Ecuador"
  }

  expect_failures = [var.region]
}

run "a_setting_that_follows_from_what_is_made" {
  command = plan

  variables {
    settings = { CELEC_LAKE_URL = "s3://elsewhere" }
  }

  expect_failures = [var.settings]
}
