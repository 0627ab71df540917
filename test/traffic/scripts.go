package traffic

// Scripts are all attacks there are. Rules are by their ids in rotd's catalogue.
func Scripts() []Script {
	return []Script{
		{
			Name: "secrets-burst", Hour: 10, play: secretsBurst,
			Story: "a person's stolen session lists aliases from a hosting company's network, then reads sixty " +
				"secrets in four minutes; of the reading itself KMS does not see the network",
			Must: []string{"decrypt-spike", "network-first-seen"},
		},
		{
			Name: "secrets-slow", Hour: 7, play: secretsSlow,
			Story: "the same with one secret every ten minutes of a working day, and no call that shows a network",
			May:   []string{"decrypt-spike"},
		},
		{
			Name: "insider-bulk-decrypt", Hour: 1, play: insider,
			Story: "an insider copies 2,500 objects at night with the role of every day",
			Must:  []string{"decrypt-spike"},
		},
		{
			Name: "new-principal-on-crown-jewel", Hour: 14, play: strangerOnJewel,
			Story: "an application's role with too wide a policy decrypts eight customers' data under the key that " +
				"everything hangs on, from a usual network",
			Must: []string{"principal-first-seen"},
			May:  []string{"principal-not-allowed"},
		},
		{
			Name: "instance-credentials-elsewhere", Hour: 22, play: instanceElsewhere,
			Story: "an instance's credentials decrypt from the attacker's machine",
			Must:  []string{"instance-credentials-elsewhere", "network-first-seen"},
			May:   []string{"decrypt-spike", "network-not-allowed"},
		},
		{
			Name: "ransomware-new-key", Hour: 2, play: ransomNewKey,
			Story: "a key is made, 700 objects are copied onto themselves under it, and its deletion is scheduled in" +
				" seven days",
			Must: []string{"new-key-bulk-use", "key-deletion-scheduled", "key-deletion-window-short"},
			May:  []string{"decrypt-spike", "principal-first-seen", "network-first-seen"},
		},
		{
			Name: "ransomware-foreign-key", Hour: 3, play: ransomForeignKey,
			Story: "400 objects are copied onto themselves under a key of the attacker's account; the bucket's data " +
				"events are logged",
			Must: []string{"foreign-key-encryption", "cross-account-use"},
			May:  []string{"decrypt-spike", "principal-first-seen", "network-first-seen"},
		},
		{
			Name: "policy-opened", Hour: 21, play: policyOpened,
			Story: "a key's policy lets the attacker's account decrypt, and it does",
			Must:  []string{"key-policy-shared-externally", "cross-account-use"},
			May:   []string{"key-policy-changed", "principal-first-seen", "network-first-seen"},
		},
		{
			Name: "policy-made-public", Hour: 16, play: policyPublic,
			Story: "a key's policy lets everybody decrypt",
			Must:  []string{"key-policy-made-public"},
			May:   []string{"key-policy-changed", "network-first-seen"},
		},
		{
			Name: "grant-to-outsider", Hour: 19, play: grantOutside,
			Story: "a grant lets a user of the attacker's account decrypt and hand that on, and it is used",
			Must:  []string{"grant-to-outsider", "grant-delegates", "cross-account-use"},
			May:   []string{"instance-credentials-elsewhere", "principal-first-seen", "network-first-seen"},
		},
		{
			Name: "alias-retargeted", Hour: 20, play: aliasMoved,
			Story: "an application's alias is moved onto a key that the attacker made",
			Must:  []string{"alias-retargeted"},
			May:   []string{"network-first-seen"},
		},
		{
			Name: "mass-deletion", Hour: 4, play: massDeletion,
			Story: "the deletion of eight keys is scheduled in minutes, and taken back within the hour",
			Must:  []string{"key-mass-destruction", "key-deletion-scheduled", "key-deletion-window-short"},
			May:   []string{"key-deletion-cancelled", "network-first-seen"},
		},
		{
			Name: "rotation-off", Hour: 18, play: rotationOff,
			Story: "the rotation of three keys is switched off",
			Must:  []string{"rotation-turned-off"},
			May:   []string{"network-first-seen"},
		},
		{
			Name: "trail-blinded", Hour: 23, play: trailBlinded,
			Story: "the trail is told to log changes only, then four keys are disabled; here Decrypts go on being " +
				"recorded, as another trail would",
			Must: []string{"trail-blinded", "key-disabled", "key-mass-destruction"},
			May:  []string{"network-first-seen"},
		},
		{
			Name: "denied-then-success", Hour: 13, play: deniedThenIn,
			Story: "a role is refused twelve times in minutes, then it is let in",
			Must:  []string{"denied-burst"},
			May:   []string{"principal-first-seen", "decrypt-spike"},
		},
		{
			Name: "reconnaissance", Hour: 5, play: reconnaissance,
			Story: "an instance's stolen role looks at up to sixty keys in minutes, refused at some",
			Must:  []string{"reconnaissance"},
			May:   []string{"denied-burst", "network-first-seen", "instance-credentials-elsewhere"},
		},
		{
			Name: "root-use", Hour: 0, play: rootUse,
			Story: "the account's root looks at the crown jewel and decrypts",
			Must:  []string{"root-used-key"},
			May:   []string{"principal-first-seen", "network-first-seen"},
		},
		{
			Name: "material-deleted", Hour: 6, play: materialDeleted,
			Story: "the imported material of a key is deleted",
			Must:  []string{"material-deleted"},
			May:   []string{"network-first-seen"},
		},
		{
			Name: "replica-in-odd-region", Hour: 17, play: replicaElsewhere,
			Story: "a multi-Region key is replicated to a Region that nobody uses, and decrypts there",
			Must:  []string{"key-replicated", "region-unexpected"},
			May:   []string{"principal-first-seen", "network-first-seen", "decrypt-spike"},
		},
		{
			Name: "dormant-key-woken", Hour: 15, play: dormantKey,
			Story: "a key that nobody used for months decrypts",
			Must:  []string{"dormant-key-used"},
			May:   []string{"principal-first-seen", "network-first-seen"},
		},
		{
			Name: "context-dropped", Hour: 11, play: contextDropped,
			Story: "with an application's credentials, and in its network, things are encrypted without the context " +
				"that the key's every call has",
			Must: []string{"context-missing"},
			May:  []string{"decrypt-spike"},
		},
		{
			Name: "rotd-role-misused", Hour: 9, play: rotdMisused,
			Story: "somebody else has rotd's role: a rotation is switched off, data is decrypted",
			Must:  []string{"rotd-role-misused", "rotation-turned-off"},
			May:   []string{"principal-first-seen", "network-first-seen"},
		},
	}
}
