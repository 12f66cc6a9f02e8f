variable "family" {
  description = "Name of the task definition, and prefix of the names of its roles."
  type        = string
}

variable "cpu" {
  description = "CPU units of the task; 1024 are one core."
  type        = number

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.cpu)
    error_message = "Fargate has tasks of 256, 512, 1024, 2048 and 4096 CPU units."
  }
}

variable "memory_mib" {
  description = "Memory of the task, in MiB."
  type        = number

  validation {
    condition = contains(
      lookup({
        256  = [512, 1024, 2048]
        512  = range(1024, 4097, 1024)
        1024 = range(2048, 8193, 1024)
        2048 = range(4096, 16385, 1024)
        4096 = range(8192, 30721, 1024)
      }, tostring(var.cpu), []),
      var.memory_mib
    )
    error_message = "Fargate has no task of ${var.cpu} CPU units with ${var.memory_mib} MiB. With 256 go 512, 1024 and 2048 MiB; with more, steps of 1024: 512 has 1024 to 4096, 1024 has 2048 to 8192, 2048 has 4096 to 16384, 4096 has 8192 to 30720."
  }
}

variable "image" {
  description = "Image of all containers, with its tag."
  type        = string
}

variable "common" {
  description = "What all tasks share: the repository of images, the permissions boundary of roles, what log groups begin with (the container's name follows), and the days for which logs are kept."
  type = object({
    repository_arn     = string
    boundary_arn       = string
    log_prefix         = string
    log_retention_days = number
  })
}

variable "environment" {
  description = "Variables of all containers. Nothing secret: they can be read by whoever may describe a task."
  type        = map(string)
}

variable "secrets" {
  description = "Secret variables of all containers: a key of a secret that holds JSON."
  type        = map(object({ arn = string, key = string }))
  default     = {}
}

variable "containers" {
  description = "Containers by name."
  type = map(object({
    command     = list(string)
    port        = optional(number)
    environment = optional(map(string), {})
    secrets     = optional(map(object({ arn = string, key = string })), {})
    # Seconds between SIGTERM and SIGKILL.
    stop_timeout_seconds = optional(number, 30)
    health_check = optional(object({
      command          = list(string)
      interval_seconds = optional(number, 30)
      timeout_seconds  = optional(number, 10)
    }))
  }))

  validation {
    condition = alltrue([
      for container in values(var.containers) : length(setintersection(
        keys(merge(var.environment, container.environment)), keys(merge(var.secrets, container.secrets))
      )) == 0
    ])
    error_message = "A name is a variable or a secret, never both: ECS refuses such a task definition."
  }

  validation {
    condition     = alltrue([for container in values(var.containers) : container.stop_timeout_seconds <= 120])
    error_message = "Fargate waits at most 120 seconds for a container to end: lower stop_timeout_seconds."
  }
}
