resource "aws_ecr_repository" "this" {
  #checkov:skip=CKV_AWS_136:AES256 encrypts as well; images hold no secret and a key of our own costs $1 a month

  name                 = var.name
  image_tag_mutability = "IMMUTABLE" # a commit is an image, once
  force_delete         = true        # an image is built again from its commit

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "AES256"
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  repository = aws_ecr_repository.this.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "The last fifty images: what runs must be among them, however many deployments have failed since"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 50 }
      action       = { type = "expire" }
    }]
  })
}
