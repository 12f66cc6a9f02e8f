# Optional. What is written in it is lost with the task: notebooks that stay belong into the repository.
module "jupyter_task" {
  source = "../task"
  count  = var.jupyter ? 1 : 0

  family      = "${local.name}-jupyter"
  cpu         = 256
  memory_mib  = 2048
  image       = "${local.image}-notebook"
  common      = local.tasks
  environment = local.run_environment

  containers = {
    jupyter = {
      port = local.ports.jupyter
      # Without a token: the login is at the load balancer. The image's notebooks are read-only, a copy is not.
      command = ["sh", "-c", join(" ", [
        "cp -r /opt/celec/notebooks /tmp/notebooks && exec jupyter lab --ip=0.0.0.0 --port=${local.ports.jupyter} --no-browser",
        "--ServerApp.root_dir=/tmp/notebooks --IdentityProvider.token=",
      ])]
      health_check = {
        command = ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:${local.ports.jupyter}/api', timeout=5)"]
      }
    }
  }
}

module "jupyter" {
  source = "../service"
  count  = var.jupyter ? 1 : 0

  name                = "jupyter"
  common              = local.services
  task_definition_arn = module.jupyter_task[0].definition_arn
  security_group_id   = module.network.security_group_ids["jupyter"]
  most_tasks          = 1

  targets = {
    jupyter = { port = local.ports.jupyter, target_group_arn = module.entrance.target_groups["jupyter"].arn }
  }
}

resource "aws_iam_role_policy" "jupyter" {
  count = var.jupyter ? 1 : 0

  name   = "read-lake-and-artifacts"
  role   = module.jupyter_task[0].role_name
  policy = module.storage.reader_policy_json
}
