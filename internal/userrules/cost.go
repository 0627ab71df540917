package userrules

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"rotd/internal/events"
)

// Costs are CEL's own units: one for a step, a tenth for each character that is gone over. A unit takes some tens of
// nanoseconds.
const (
	// maxEstimate is what an expression may cost at worst, with records as large as CloudTrail usually makes them.
	maxEstimate = 20_000
	// maxCost is where an answer is broken off: records larger than that, which their sender may have made so.
	maxCost = 100_000
	// memoryCost is a question to the memory, which may write.
	memoryCost = 200
	// textCost is to look for texts or to compare some; how long they are is counted by maxRead.
	textCost = 100
)

// costs estimates and counts what an expression costs, by how large what comes from the event may be.
type costs struct {
	field    uint64 // characters of a text
	document uint64 // characters or elements of what is inside requestParameters and the like
	elements uint64 // of other lists and maps
	texts    uint64 // of what is at one path of a document
}

// usual are sizes as CloudTrail makes them: it cuts userAgent and errorMessage at 1 KB.
func usualSizes() costs { return costs{field: 1024, document: 256, elements: 64, texts: 16} }

// largestSizes are those of a record that holds nothing else.
func largestSizes() costs {
	const most = events.MaxRecord
	return costs{field: most, document: most, elements: most, texts: most}
}

// EstimateSize takes the most of what comes from the event.
func (c costs) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	most := c.document
	switch node.Type().Kind() {
	case types.StringKind:
		most = c.field
	case types.ListKind, types.MapKind:
		most = c.elements
	default:
	}
	return &cost.SizeEstimate{Min: 0, Max: most}
}

// EstimateCallCost says what rotd's own functions cost.
func (c costs) EstimateCallCost(function, _ string, _ *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	units, ok := unitsOf(function)
	if !ok {
		return nil
	}
	estimate := &cost.CallEstimate{CostEstimate: cost.FixedCostEstimate(units)}
	if function == "texts" {
		estimate.ResultSize = &cost.SizeEstimate{Max: c.texts}
	}
	return estimate
}

// CallCost says what rotd's own functions cost.
func (costs) CallCost(function, _ string, _ []ref.Val, _ ref.Val) *uint64 {
	if units, ok := unitsOf(function); ok {
		return &units
	}
	return nil
}

func unitsOf(function string) (units uint64, ok bool) {
	if _, ok := windowAt(function); ok {
		return memoryCost, true
	}
	if function == "texts" || function == "like" {
		return textCost, true
	}
	return 0, false
}

// cost refuses an expression that is too expensive, and says whether its cost has to be counted each time: it has not
// when even the largest record cannot make it expensive.
func (c *compiler) cost(at place, checked *cel.Ast) (counted bool) {
	usual, err := c.language.env.EstimateCost(checked, usualSizes())
	if err != nil {
		c.fail(at, 1, 1, "nobody knows what it costs: %v", err)
		return true
	}
	if usual.Max > maxEstimate {
		c.fail(at, 1, 1, "too expensive: it may cost %d steps an event, and %d are allowed: loops within loops and "+
			"patterns over long texts cost most", usual.Max, maxEstimate)
	}
	largest, err := c.language.env.EstimateCost(checked, largestSizes())
	return err != nil || largest.Max > maxCost
}
