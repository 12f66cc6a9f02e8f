variable "name" {
  description = "Name of the service within its cluster, and in DNS when it is found by name."
  type        = string
}

variable "common" {
  description = "What all services share. prefix: of names that must be unique in the account. started: false makes a service with no task, until there are an image and tables. night: when it goes to no task and comes back (cron, time zone); null keeps it running."
  type = object({
    prefix = string
    cluster = object({
      arn          = string
      name         = string
      namespace_id = string
    })
    subnet_ids = list(string)
    started    = bool
    night = object({
      services_start = string
      services_stop  = string
      timezone       = string
    })
  })
}

variable "task_definition_arn" {
  description = "Task definition of the first deployment; later ones are made by scripts/deploy.sh."
  type        = string
}

variable "security_group_id" {
  description = "Group of its tasks."
  type        = string
}

variable "targets" {
  description = "Containers that the load balancer sends to, with their port and target group."
  type = map(object({
    port             = number
    target_group_arn = string
  }))
  default = {}
}

variable "found_by_name" {
  description = "Whether others ask for it as <name>.<namespace>."
  type        = bool
  default     = false
}

variable "most_tasks" {
  description = "Tasks at the most busy time; one otherwise. null: exactly one, never two at once, also while it is deployed."
  type        = number
  default     = null
}
