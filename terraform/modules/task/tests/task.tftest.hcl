mock_provider "aws" {
  source = "../../mocks"
}

variables {
  common = {
    repository_arn     = "arn:aws:ecr:us-east-1:123456789012:repository/celec-test"
    boundary_arn       = "arn:aws:iam::123456789012:policy/celec-test-boundary"
    log_prefix         = "/celec/test"
    log_retention_days = 14
  }
  family      = "celec-test-run"
  cpu         = 512
  memory_mib  = 2048
  image       = "123456789012.dkr.ecr.us-east-1.amazonaws.com/celec-test:0123456"
  environment = { DAGSTER_PG_HOST = "database" }
  secrets     = { DAGSTER_PG_PASSWORD = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:dagster-abc", key = "password" } }

  containers = {
    code = {
      command = ["dagster", "api", "grpc"]
      port    = 4000
      health_check = {
        command = ["true"]
      }
    }
    daemon = {
      command = ["dagster-daemon", "run"]
      secrets = { PGPASSWORD = { arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:mlflow-abc", key = "password" } }
    }
  }
}

run "two_containers" {
  assert {
    condition     = [for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.name] == ["code", "daemon"]
    error_message = "Each container is there once, in the order of names: another order would be a change at every plan."
  }

  assert {
    condition     = alltrue([for container in jsondecode(aws_ecs_task_definition.this.container_definitions) : container.readonlyRootFilesystem && container.user == "10001"])
    error_message = "No container may write its root file system or be root."
  }

  assert {
    condition = { for secret in jsondecode(aws_ecs_task_definition.this.container_definitions)[1].secrets : secret.name => secret.valueFrom } == {
      DAGSTER_PG_PASSWORD = "arn:aws:secretsmanager:us-east-1:123456789012:secret:dagster-abc:password::"
      PGPASSWORD          = "arn:aws:secretsmanager:us-east-1:123456789012:secret:mlflow-abc:password::"
    }
    error_message = "A container has the secrets of all and its own, by ARN and key."
  }

  assert {
    condition     = !can(jsondecode(aws_ecs_task_definition.this.container_definitions)[1].portMappings)
    error_message = "What a container does not have is left out; ECS would give an empty list back, and every plan be a change."
  }

  assert {
    condition     = aws_ecs_task_definition.this.skip_destroy
    error_message = "Services are rolled back to older revisions: they must stay."
  }

  assert {
    condition = toset(flatten([
      for statement in data.aws_iam_policy_document.execution.statement : tolist(statement.resources) if statement.sid == "ReadSecrets"
    ])) == toset(["arn:aws:secretsmanager:us-east-1:123456789012:secret:dagster-abc", "arn:aws:secretsmanager:us-east-1:123456789012:secret:mlflow-abc"])
    error_message = "The task is started with its own secrets and no others."
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days == 14])
    error_message = "Logs that are kept for ever cost for ever."
  }
}

run "without_secrets_none_may_be_read" {
  variables {
    secrets    = {}
    containers = { report = { command = ["celec", "serve"], port = 8080 } }
  }

  assert {
    condition     = !contains([for statement in data.aws_iam_policy_document.execution.statement : statement.sid], "ReadSecrets")
    error_message = "A task without secrets may read none."
  }
}

run "a_size_that_fargate_does_not_have" {
  command = plan

  variables {
    cpu        = 256
    memory_mib = 4096
  }

  expect_failures = [var.memory_mib]
}

run "a_quarter_gigabyte_too_much" {
  command = plan

  variables {
    cpu        = 1024
    memory_mib = 2304
  }

  expect_failures = [var.memory_mib]
}

run "a_core_and_a_half" {
  command = plan

  variables {
    cpu = 1536
  }

  expect_failures = [var.cpu]
}

run "a_name_that_is_secret_and_not" {
  command = plan

  variables {
    environment = { PGPASSWORD = "in clear" }
  }

  expect_failures = [var.containers]
}

run "a_container_that_takes_too_long_to_stop" {
  command = plan

  variables {
    containers = { run = { command = ["celec"], stop_timeout_seconds = 300 } }
  }

  expect_failures = [var.containers]
}
