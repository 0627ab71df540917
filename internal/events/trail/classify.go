package trail

import "rotd/internal/awss3"

// Class says whose fault it is that an object cannot be read.
type Class string

// The classes there are.
const (
	Gone         Class = "gone"          // not there, archived, or not to be had by anybody
	Forbidden    Class = "forbidden"     // denied, while other objects of the bucket are not
	Damaged      Class = "damaged"       // read, but not a log file, or not to its end
	BucketDenied Class = "bucket-denied" // denied, as every other object of the bucket
	Unavailable  Class = "unavailable"   // S3, the network, the credentials or the bucket's key
)

// Own reports whether the object itself is at fault: then so is the message that names it. Otherwise no message is,
// and receiving must stop until S3 can be read again.
func (c Class) Own() bool { return c == Gone || c == Forbidden || c == Damaged }

// classify tells by S3's answer. What is not the object's own fault is one of the surroundings: a good message must not
// be given up for it.
func classify(err error) Class {
	switch awss3.ClassOf(err) {
	case awss3.Gone:
		return Gone
	case awss3.Denied:
		return Forbidden
	case awss3.Exists, awss3.Unavailable, awss3.Refused:
	}
	return Unavailable
}
