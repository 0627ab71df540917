// Package templates holds what deploy/ has for AWS against the things it must agree with: CloudFormation's resource
// specification, the ECS API, and rotd itself, whose event pattern and policies the templates repeat. It is a module of
// its own, so that the specification stays out of rotd's go.sum. Nothing here asks AWS.
package templates
