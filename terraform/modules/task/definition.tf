data "aws_region" "current" {}

locals {
  # What a container does not have is left out: ECS would give it back otherwise, and the next plan be a change.
  definitions = [
    for name, container in var.containers : {
      for key, value in {
        name                   = name
        image                  = var.image
        essential              = true
        command                = container.command
        user                   = "10001"
        readonlyRootFilesystem = true
        stopTimeout            = container.stop_timeout_seconds
        mountPoints            = [{ containerPath = "/tmp", sourceVolume = "tmp-${name}", readOnly = false }]
        portMappings           = container.port == null ? null : [{ containerPort = container.port, hostPort = container.port, protocol = "tcp" }]
        environment = [
          for variable, content in merge(var.environment, container.environment) : { name = variable, value = content }
        ]
        secrets = [
          for variable, secret in merge(var.secrets, container.secrets) : { name = variable, valueFrom = "${secret.arn}:${secret.key}::" }
        ]
        healthCheck = container.health_check == null ? null : {
          command     = concat(["CMD"], container.health_check.command)
          interval    = container.health_check.interval_seconds
          timeout     = container.health_check.timeout_seconds
          retries     = 3
          startPeriod = 300 # the longest that ECS has: a quarter of a core needs a minute or two to import Dagster
        }
        logConfiguration = {
          logDriver = "awslogs"
          options = {
            awslogs-group         = aws_cloudwatch_log_group.this[name].name
            awslogs-region        = data.aws_region.current.region
            awslogs-stream-prefix = name
          }
        }
      } : key => value if value != null && try(length(value) > 0, true)
    }
  ]
}

resource "aws_ecs_task_definition" "this" {
  family                   = var.family
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory_mib
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode(local.definitions)

  # Revisions that services still run, or are rolled back to, must stay: ECS starts no task of one that was taken away.
  skip_destroy = true

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "ARM64"
  }

  # Fargate knows no tmpfs. An empty volume that takes over the rights of the image's /tmp (VOLUME in the Dockerfile).
  dynamic "volume" {
    for_each = var.containers

    content {
      name = "tmp-${volume.key}"
    }
  }
}
