package traffic

import "time"

// actors are all who call KMS in this world.
func (f *fleet) actors() []*actor {
	var all []*actor
	for _, k := range f.keys {
		all = append(all, f.users(k)...)
		all = append(all, f.lifeOf(k)...)
	}
	for _, v := range f.services {
		all = append(all, f.lifeOfService(v)...)
	}
	for _, p := range f.people {
		all = append(all, f.person(p))
	}
	all = append(all, f.oddities()...)
	all = append(all, f.robotActors()...)
	return append(all, f.attacks()...)
}

// act is an actor with a chance of its own, whose first turn is at a time.
func (f *fleet) act(source, name string, at int64, turn func(s *stage) int64) *actor {
	return &actor{source: source, at: at, dice: f.root.fork(source).fork(name), turn: turn}
}

// using is an actor that uses a key for its service so often a day.
func (f *fleet) using(k *key, part string, perDay float64, call func(s *stage)) *actor {
	v := k.service
	load := v.load(f.start)
	perDay *= v.volume
	begun := false
	return f.act(string(k.use), k.arn+part, max(f.start, k.created), func(s *stage) int64 {
		if begun {
			call(s)
		}
		begun = true
		return s.again(perDay, v.clock, v.rhythm, load)
	})
}

// Calls a day of a key of the usual service, were it busy all day; see doc.go.
const (
	objectsPerDay    = 110
	bucketPerDay     = 24
	volumesPerDay    = 6
	databasePerDay   = 5
	tablePerDay      = 160
	secretsPerDay    = 70
	parametersPerDay = 30
	functionPerDay   = 45
	queuePerDay      = 60
	dataPerDay       = 300
	signaturesPerDay = 130
	macsPerDay       = 100
	trailPerDay      = 280
)

// users are the actors that use a key.
func (f *fleet) users(k *key) []*actor {
	switch k.use {
	case forObjects:
		all := []*actor{f.using(k, "", objectsPerDay, func(s *stage) { s.object(k, k.arnOfObjects) })}
		if k.service.team == "data" || f.root.fork(k.id).state%4 == 0 {
			all = append(all, f.nightly(k, "objects", 50, 500, func(s *stage, i int) { s.object(k, k.arnOfObjects) }))
		}
		return all
	case forBucket:
		return []*actor{f.using(k, "", bucketPerDay, func(s *stage) { s.object(k, k.arnOfBucket) })}
	case forVolumes:
		return []*actor{f.using(k, "", volumesPerDay, func(s *stage) { s.volume(k) })}
	case forDatabase:
		return []*actor{f.using(k, "", databasePerDay, func(s *stage) { s.database(k) })}
	case forTable:
		return []*actor{f.using(k, "", tablePerDay, func(s *stage) { s.table(k) })}
	case forSecrets:
		all := []*actor{f.using(k, "", secretsPerDay, func(s *stage) { s.ownSecret(k) })}
		if k.things > 20 {
			all = append(all, f.nightly(k, "secrets", 20, k.things, func(s *stage, i int) { s.batchSecret(k, i) }))
		}
		return all
	case forParameters:
		return []*actor{f.using(k, "", parametersPerDay, func(s *stage) { s.parameter(k) })}
	case forFunction:
		return []*actor{f.using(k, "", functionPerDay, func(s *stage) { s.function(k) })}
	case forQueue:
		return []*actor{f.using(k, "", queuePerDay, func(s *stage) { s.queue(k) })}
	case forData, forBareData:
		return []*actor{f.using(k, "", dataPerDay, func(s *stage) { s.data(k) })}
	case forSigning:
		return []*actor{f.using(k, "", signaturesPerDay, func(s *stage) { s.signature(k) })}
	case forMAC:
		return []*actor{f.using(k, "", macsPerDay, func(s *stage) { s.mac(k) })}
	case forTrail:
		return []*actor{f.using(k, "", trailPerDay/k.service.volume, func(s *stage) { s.trailFile(k) })}
	case forNothing:
	}
	return nil
}

// nightly is a job that does the same for many things, some hours after midnight, each night but a few.
func (f *fleet) nightly(k *key, name string, least, greatest int, each func(s *stage, i int)) *actor {
	d := f.root.fork(k.id).fork(name)
	minute := d.between(60, 5*60)
	size := least + d.few(greatest-least+1)
	first := max(f.start, k.created)/dayMillis*dayMillis + int64(minute)*60000
	for first < f.start {
		first += dayMillis
	}
	job := k.service
	return f.act("batch", k.id+name, first, func(s *stage) int64 {
		begin := s.now
		if s.now < job.dies && s.now > job.born && s.dice.number(40) > 0 {
			n := size + s.dice.number(1+size/10)
			if job.clock.day(s.now / dayMillis).monthEnd {
				n = min(2*n, greatest*2)
			}
			if s.dice.number(70) == 0 { // everything once more
				n *= 6
			}
			for i := range min(n, 4000) {
				s.now += s.dice.span(20*time.Millisecond, 900*time.Millisecond)
				each(s, i)
			}
		}
		return begin + dayMillis + s.dice.span(-90*time.Second, 90*time.Second)
	})
}
