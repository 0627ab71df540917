"""What a sweep costs that is written in an afternoon: every key, one call after the other."""

import sys
import time

try:
    import boto3
except ImportError:
    sys.exit(3)

wanted = int(sys.argv[1])
kms = boto3.client("kms")
began, read = time.monotonic(), 0
for page in kms.get_paginator("list_keys").paginate():
    for key in page["Keys"]:
        if read == wanted:
            break
        arn = key["KeyArn"]
        kms.describe_key(KeyId=arn)
        kms.get_key_rotation_status(KeyId=arn)
        kms.list_resource_tags(KeyId=arn)
        kms.get_key_policy(KeyId=arn)
        read += 1
    if read == wanted:
        break
print(read / (time.monotonic() - began))
