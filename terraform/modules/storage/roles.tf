# For people and programs of the account; who may assume them is the account's to say, by policies on its users.
data "aws_iam_policy_document" "assumed_within_account" {
  statement {
    sid     = "PeopleOfTheAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"] # all of the account, who are allowed to
    }
  }
}

data "aws_iam_policy_document" "uploader" {
  statement {
    sid       = "PutRawFiles"
    actions   = ["s3:PutObject"]
    resources = ["${aws_s3_bucket.this["lake"].arn}/lake/raw/*"]
  }
}

resource "aws_iam_role" "uploader" {
  #checkov:skip=CKV_AWS_61:Not a service assumes it but people, each of whom needs a policy that says so

  name                 = "${var.name}-uploader"
  description          = "Puts raw files into the landing zone; reads nothing"
  assume_role_policy   = data.aws_iam_policy_document.assumed_within_account.json
  permissions_boundary = var.boundary_arn
}

resource "aws_iam_role_policy" "uploader" {
  name   = "put-raw-files"
  role   = aws_iam_role.uploader.id
  policy = data.aws_iam_policy_document.uploader.json
}

data "aws_iam_policy_document" "reader" {
  statement {
    sid       = "ReadObjectsAndTheirVersions"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = [for part in ["lake", "artifacts"] : "${aws_s3_bucket.this[part].arn}/*"]
  }

  statement {
    sid       = "ListObjectsAndTheirVersions"
    actions   = ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation"]
    resources = [for part in ["lake", "artifacts"] : aws_s3_bucket.this[part].arn]
  }
}

resource "aws_iam_role" "reader" {
  #checkov:skip=CKV_AWS_61:Not a service assumes it but people, each of whom needs a policy that says so

  name                 = "${var.name}-reader"
  description          = "Reads lake and artifacts: data scientists"
  assume_role_policy   = data.aws_iam_policy_document.assumed_within_account.json
  permissions_boundary = var.boundary_arn
}

resource "aws_iam_role_policy" "reader" {
  name   = "read-lake-and-artifacts"
  role   = aws_iam_role.reader.id
  policy = data.aws_iam_policy_document.reader.json
}
