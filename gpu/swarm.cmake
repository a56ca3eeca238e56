# Which layers a node had best hold.
target_sources(gpu PRIVATE allocation.c plan.c plan_arrange.c)
