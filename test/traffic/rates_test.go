package traffic_test

import (
	"maps"
	"slices"
	"testing"

	"rotd/test/traffic"
)

// rates are the records a day that doc.go states, of the usual organisation of 120 keys: least and most.
var rates = map[string][2]float64{
	"all":                      {5000, 35000},
	"analyzer":                 {100, 900},
	"backup":                   {10, 150},
	"batch":                    {300, 4500},
	"cloudtrail":               {65, 500},
	"config":                   {100, 800},
	"deploy":                   {35, 300},
	"dynamodb":                 {250, 3000},
	"ebs":                      {20, 250},
	"envelope":                 {650, 6500},
	"envelope-without-context": {100, 1500},
	"failing":                  {0, 15},
	"forgotten":                {0, 5},
	"hmac":                     {0, 200},
	"kms":                      {0, 6},
	"lambda":                   {40, 400},
	"legacy":                   {4.5, 50},
	"newcomer":                 {0, 60},
	"on-call":                  {15, 100},
	"partner":                  {0, 150},
	"people":                   {400, 3000},
	"rare":                     {0, 5},
	"rds":                      {10, 200},
	"re-encrypt":               {0, 2000},
	"rotd":                     {1000, 7500},
	"s3":                       {400, 3500},
	"s3-bucket-key":            {60, 400},
	"s3-data":                  {7.5, 200},
	"scanner":                  {200, 1500},
	"secrets":                  {150, 2000},
	"signing":                  {75, 1500},
	"sqs":                      {150, 1500},
	"ssm":                      {15, 200},
	"terraform":                {7, 60},
}

func TestRatesAreAsStated(t *testing.T) {
	w := traffic.World{Seed: 3, Weeks: 4}
	counts := map[string]int{}
	for r := range w.Records() {
		counts[r.Source]++
		counts["all"]++
	}
	for source := range rates {
		counts[source] += 0
	}
	for _, source := range slices.Sorted(maps.Keys(counts)) {
		perDay := float64(counts[source]) / float64(7*w.Weeks)
		t.Logf("%-26s %8.1f records a day", source, perDay)
		if bounds := rates[source]; perDay < bounds[0] || perDay > bounds[1] {
			t.Errorf("%s has %.1f records a day, stated are %v to %v", source, perDay, bounds[0], bounds[1])
		}
	}
}
