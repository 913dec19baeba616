package vectors

// attGroups are the groups about records, anchors, logs and disputes.
var attGroups = []func(*builder){groupRecord, groupAnchor, groupLog, groupGuomi, groupDispute, groupEvidence, groupAttestationEdges}
