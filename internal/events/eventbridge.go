package events

// The detail-types of CloudTrail's records on EventBridge, whatever service they are about.
const (
	viaAPICall = "AWS API Call via CloudTrail"
	viaService = "AWS Service Event via CloudTrail"
	viaConsole = "AWS Console Action via CloudTrail"
)

// eventBridge decodes an EventBridge event by its detail-type.
func (d *Decoder) eventBridge(m *members) (Content, error) {
	source, detailType := m.text(fSource), m.text(fDetailType)
	if m.err != nil {
		return Content{}, m.err
	}
	switch detailType {
	case viaAPICall, viaService, viaConsole:
		var detail members
		if err := m.detail(&detail); err != nil {
			return Content{}, err
		}
		return d.single(&detail)
	case "Object Created":
		if source == "aws.s3" {
			return m.createdObject()
		}
	}
	if name := nativeName(source, detailType); name != "" {
		return d.native(m, name)
	}
	return ignored(UnknownEvent), nil
}

// detail scans the detail of an EventBridge event, which must be an object.
func (m *members) detail(detail *members) error {
	if !m.object(fDetail, detail) && m.err == nil {
		m.missing(fDetail)
	}
	return m.err
}
