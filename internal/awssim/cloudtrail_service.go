package awssim

import "github.com/aws/aws-sdk-go-v2/service/kms/types"

// recordEvent records what KMS did by itself, and sends the native event that tells the same.
func (k *KMS) recordEvent(e kmsEvent) {
	r := Record{
		UserIdentity: &UserIdentity{AccountID: e.key.Account, InvokedBy: awsInternal}, EventTime: e.at,
		EventSource: kmsEventSource, EventName: e.name, AWSRegion: e.key.Region,
		SourceIPAddress: awsInternal, UserAgent: awsInternal,
		Resources: []RecordResource{kmsResource(e.key.ARN)}, EventType: "AwsServiceEvent",
		RecipientAccountID: e.key.Account,
	}
	native, detail := "", map[string]any{"key-id": e.key.ID}
	switch e.name {
	case "RotateKey":
		native = "KMS CMK Rotation"
		r.ServiceEventDetails = e.rotationDetails()
		for name, member := range map[string]string{
			"key-origin": "keyOrigin", "rotation-type": "rotationType",
			"previous-key-material-id": "previousKeyMaterialId", "current-key-material-id": "currentKeyMaterialId",
		} {
			detail[name] = r.ServiceEventDetails[member]
		}
	case "DeleteKey":
		native = "KMS CMK Deletion"
	case "DeleteExpiredKeyMaterial":
		native = "KMS Imported Key Material Expiration"
		r.ServiceEventDetails = fields{"keyId": e.key.ID}
	case "SynchronizeMultiRegionKey":
		r.EventType, r.RequestID = "AwsApiCall", k.sim.newUUID()
	case "CreateKey":
		r = e.replicaCreation(k.sim.newUUID())
	}
	k.trail.emit(r)
	if native != "" {
		k.trail.native(native, e, detail)
	}
}

func (e kmsEvent) rotationDetails() fields {
	return fields{
		"keyId": e.key.ID, "rotationType": string(e.rotation), "keyOrigin": string(e.key.Origin),
		"previousKeyMaterialId": e.previous, "currentKeyMaterialId": e.to,
	}
}

// replicaCreation is the CreateKey that ReplicateKey leaves in the replica's Region, under the caller's name.
func (e kmsEvent) replicaCreation(eventID string) Record {
	c := e.call
	r := c.record(nil)
	r.EventName, r.EventID, r.AWSRegion = "CreateKey", eventID, e.key.Region
	r.SourceIPAddress, r.UserAgent, r.TLSDetails = awsInternal, awsInternal, nil
	r.RequestParameters = fields{
		"description": e.key.Description, "multiRegion": true, "origin": string(e.key.Origin),
		"keySpec": string(e.key.Spec), "customerMasterKeySpec": string(e.key.Spec), "keyUsage": string(e.key.Usage),
		"policy": e.key.Policy, "multiRegionKeyType": string(types.MultiRegionKeyTypeReplica),
		"primaryRegion": e.key.PrimaryRegion, "bypassPolicyLockoutSafetyCheck": false,
	}
	r.ResponseElements, _ = trailElements(fields{"KeyMetadata": e.key.metadata()}).(fields)
	r.Resources = []RecordResource{kmsResource(e.key.ARN)}
	return r
}
