package userrules

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
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

// Sizes that the estimate takes.
const (
	fieldSize    = 1024 // characters of a text; CloudTrail cuts userAgent and errorMessage at that
	documentSize = 256  // characters or elements of what is inside requestParameters and the like
	elements     = 64   // of other lists and maps
	textsFound   = 16   // of what is at one path of a document
)

// costs estimates and counts what an expression costs.
type costs struct{}

// EstimateSize takes the usual most of what comes from the event.
func (costs) EstimateSize(node cost.AstNode) *cost.SizeEstimate {
	most := uint64(documentSize)
	switch node.Type().Kind() {
	case types.StringKind:
		most = fieldSize
	case types.ListKind, types.MapKind:
		most = elements
	default:
	}
	return &cost.SizeEstimate{Min: 0, Max: most}
}

// EstimateCallCost says what rotd's own functions cost.
func (costs) EstimateCallCost(function, _ string, _ *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	units, ok := unitsOf(function)
	if !ok {
		return nil
	}
	estimate := &cost.CallEstimate{CostEstimate: cost.FixedCostEstimate(units)}
	if function == "texts" {
		estimate.ResultSize = &cost.SizeEstimate{Max: textsFound}
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

// cost refuses an expression that is too expensive.
func (c *compiler) cost(at place, checked *cel.Ast) {
	estimate, err := c.language.env.EstimateCost(checked, costs{})
	switch {
	case err != nil:
		c.fail(at, 1, 1, "nobody knows what it costs: %v", err)
	case estimate.Max > maxEstimate:
		c.fail(at, 1, 1, "too expensive: it may cost %d steps an event, and %d are allowed: loops within loops and "+
			"patterns over long texts cost most", estimate.Max, maxEstimate)
	}
}
