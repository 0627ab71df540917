package state

import (
	"testing"
	"time"

	"rotd/internal/incident"
)

func TestClosedIncidentsGoAfterYearsAndOpenOnesStay(t *testing.T) {
	db := openTest(t)
	update(t, db, func(tx *Tx) error {
		if err := fill(tx, 3); err != nil {
			return err
		}
		i, err := tx.Incident("inc_00000000000000000000000001")
		if err != nil {
			return err
		}
		i.Closed = &incident.Mark{At: day().Add(time.Hour), By: "uid:1000 (ann)", Reason: "done"}
		return tx.PutIncident(i)
	})
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{KeepIncidents, 0}, {KeepIncidents + 2*time.Hour, 1}} {
		d, err := db.Retain(day().Add(step.after))
		if err != nil || d.Incidents != step.want {
			t.Errorf("after %s: dropped %d, want %d, %v", step.after, d.Incidents, step.want, err)
		}
	}
	view(t, db, func(tx *Tx) error {
		left, _, err := tx.Incidents("", 10, nil)
		same(t, "left", len(left), 2)
		gone, errGone := tx.Incident("inc_00000000000000000000000001")
		if gone != nil || errGone != nil {
			t.Errorf("%v, %v", gone, errGone)
		}
		return err
	})
}
