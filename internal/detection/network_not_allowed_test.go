package detection

import "testing"

func TestNetworkNotAllowed(t *testing.T) {
	const title = "HIGH A key was used from a network that its policy does not allow"
	testRule(t, networkNotAllowed(), []ruleTest{
		{
			name: "from elsewhere", world: careful(), events: []object{record("Decrypt", from("198.51.100.7"))},
			want: []string{title},
			says: []string{
				"role/admin called Decrypt on alias/payments from 198.51.100.7. Policy payments allows 203.0.113.0/24, " +
					"vpce-0abc.",
				"AttributeKey=AccessKeyId,AttributeValue=ASIAEXAMPLE",
			},
		},
		{
			name: "IPv6", world: careful(), events: []object{record("Encrypt", from("2001:db8:1:2::3"))},
			want: []string{title}, says: []string{"from 2001:db8:1:2::3."},
		},
		{
			name: "through a VPC endpoint that is not allowed", world: careful(),
			events: []object{record("Sign", from("10.1.2.3"), object{"vpcEndpointId": "vpce-0evil"})}, want: []string{title},
			says: []string{"from 10.1.2.3 through VPC endpoint vpce-0evil."},
		},
		{
			name: "through an outsider's VPC endpoint, from an address that is allowed", world: careful(),
			events: []object{record("Decrypt", object{
				"vpcEndpointId": "vpce-0evil", "vpcEndpointAccountId": "999900001111",
			})},
			want: []string{title},
			says: []string{" through a VPC endpoint of account 999900001111, which is none of yours. Policy payments"},
		},
		{
			name: "through an own VPC endpoint, from an address that is allowed", world: careful(),
			events: []object{record("Decrypt", object{
				"vpcEndpointId": "vpce-0own", "vpcEndpointAccountId": "111122223333",
			})},
		},
		{
			name: "an allowed principal", world: careful(),
			events: []object{record("Decrypt", by("pay-api"), from("198.51.100.7"))}, want: []string{title},
		},
		{
			name: "a change of the key", world: careful(), events: []object{record("CreateGrant", from("198.51.100.7"))},
			want: []string{title},
		},
		{
			name: "rotd itself", world: careful(func(w *world) { w.own = true }),
			events: []object{record("EnableKeyRotation", from("198.51.100.7"))},
			want:   []string{"INFORMATIONAL expected A key was used from a network that its policy does not allow"},
		},
		{name: "from an allowed network", world: careful(), events: []object{record("Decrypt")}},
		{
			name: "from an allowed network, as IPv6 writes it", world: careful(),
			events: []object{record("Decrypt", from("::ffff:203.0.113.9"))},
		},
		{
			name: "through an allowed VPC endpoint", world: careful(),
			events: []object{record("Decrypt", from("10.1.2.3"), object{"vpcEndpointId": "vpce-0abc"})},
		},
		{
			name: "through a service", world: careful(),
			events: []object{record("Decrypt", through("s3.amazonaws.com", by("admin")))},
		},
		{name: "AWS Internal", world: careful(), events: []object{record("Decrypt", from("AWS Internal"))}},
		{name: "what is no address", world: careful(), events: []object{record("Decrypt", from("172.01.01.001"))}},
		{name: "a reading", world: careful(), events: []object{record("DescribeKey", from("198.51.100.7"))}},
		{
			name: "refused", world: careful(),
			events: []object{record("Decrypt", from("198.51.100.7"), failing("AccessDenied"))},
		},
		{
			name: "a key that no policy matches", world: careful(func(w *world) { w.keys[payARN].Aliases = nil }),
			events: []object{record("Decrypt", from("198.51.100.7"))},
		},
		{name: "a policy without networks", events: []object{record("Decrypt", from("198.51.100.7"))}},
	})
}

func TestEachNetworkIsAFindingOfItsOwn(t *testing.T) {
	seen := make(map[string]bool)
	judge := newJudge([]Rule{networkNotAllowed()}, nil, Settings{})
	for _, ip := range []string{"198.51.100.7", "198.51.100.8", "198.51.101.7", "2001:db8:1::3", "2001:db8:1:2::3"} {
		found, _ := judge.Event(carefulWorld().context(), decode(t, record("Decrypt", from(ip))))
		seen[found[0].Fingerprint] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d findings of three networks", len(seen))
	}
}
