package keypolicy

import "strings"

// mayBeAbout reports whether the statement could be about the owner's key.
func (s *Statement) mayBeAbout(owner Owner) bool {
	if len(s.Resources) == 0 {
		return true
	}
	for _, pattern := range s.Resources {
		switch {
		case s.NotResource && names(pattern, owner.Key):
			return false
		case !s.NotResource && mayName(pattern, owner.Key):
			return true
		}
	}
	return s.NotResource
}

// surelyAbout reports whether the statement is about the owner's key beyond doubt.
func (s *Statement) surelyAbout(owner Owner) bool {
	if len(s.Resources) == 0 {
		return !s.NotResource
	}
	for _, pattern := range s.Resources {
		switch {
		case s.NotResource && mayName(pattern, owner.Key):
			return false
		case !s.NotResource && names(pattern, owner.Key):
			return true
		}
	}
	return s.NotResource
}

// names reports whether a pattern surely matches the key; an unknown key is matched by patterns that match every key.
func names(pattern, key string) bool {
	if strings.Trim(pattern, "*") == "" && pattern != "" {
		return true
	}
	return key != "" && match(pattern, key)
}

// mayName reports whether a pattern could match the key; an unknown key could be any of KMS.
func mayName(pattern, key string) bool {
	if key != "" {
		return names(pattern, key) || strings.Contains(pattern, "${")
	}
	a, ok := splitARN(pattern)
	return !ok || hasWildcard(a.partition+a.service) || a.service == "kms"
}
