variable "name" {
  description = "Name of the instance, and prefix of names."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in two zones."
  type        = list(string)
}

variable "security_group_id" {
  description = "Group that lets in who may talk to the database."
  type        = string
}

variable "instance_class" {
  description = "Size of the instance."
  type        = string
}

variable "storage_gb" {
  description = "Disk at the beginning, in GB. RDS makes it larger by itself, up to five times that."
  type        = number
}

variable "protected" {
  description = "Whether the database outlives a mistake: deletion protection, and a snapshot before the end."
  type        = bool
}

variable "log_retention_days" {
  description = "Days for which PostgreSQL's log is kept."
  type        = number
}

variable "night" {
  description = "When the instance is stopped and started (cron, time zone); null keeps it running."
  type = object({
    database_start = string
    database_stop  = string
    timezone       = string
  })
  default = null
}

variable "boundary_arn" {
  description = "Permissions boundary of the roles."
  type        = string
}
