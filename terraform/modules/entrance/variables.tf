variable "name" {
  description = "Name of the load balancer, and prefix of names."
  type        = string

  validation {
    condition     = length(var.name) <= 20
    error_message = "A target group's name has 32 characters at most: choose a name of 20 at most, for the page's name follows."
  }
}

variable "vpc_id" {
  description = "VPC of the targets."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets in two zones."
  type        = list(string)
}

variable "security_group_id" {
  description = "Group of the load balancer."
  type        = string
}

variable "log_bucket" {
  description = "Bucket for the access log, which is written under entrance/."
  type        = string
}

variable "protected" {
  description = "Whether it can only be deleted after its protection was taken away."
  type        = bool
}

variable "pages" {
  description = "Pages by name: the port that people open, the container's port, and the path that answers 200 when it is well."
  type = map(object({
    listener_port = number
    target_port   = number
    health_path   = string
  }))
}

variable "domain" {
  description = "Name, certificate (ACM) and Cognito's user pool for HTTPS with a login; null for HTTP."
  type = object({
    name            = string
    certificate_arn = string
    login = object({
      user_pool_arn       = string
      user_pool_client_id = string
      user_pool_domain    = string
    })
  })
}
