# By it workflows prove who they are, without a key that could leak. AWS knows GitHub's certificates by itself.
resource "aws_iam_openid_connect_provider" "github" {
  count = var.github ? 1 : 0

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}
