# The order of the modules, lowest first. A module may depend only on modules that stand before it, and the two
# stacks (control: store, api; node: dataplane, health, agent) never on each other: they meet on the wire and in app.
set(WEIR_LAYERS base net http model balancing snapshot
    store api
    dataplane dataplane/proxy health agent
    cli app testing)
set(WEIR_CONTROL_STACK store api)
set(WEIR_NODE_STACK dataplane dataplane/proxy health agent)

function(weir_check_arrow module dependency)
  list(FIND WEIR_LAYERS ${module} module_at)
  list(FIND WEIR_LAYERS ${dependency} dependency_at)
  if(module_at LESS 0)
    message(FATAL_ERROR "module '${module}' is not in cmake/layers.cmake")
  endif()
  if(dependency_at LESS 0 OR NOT dependency_at LESS module_at)
    message(FATAL_ERROR "'${module}' may not depend on '${dependency}': it does not stand before it in cmake/layers.cmake")
  endif()
  if((module IN_LIST WEIR_CONTROL_STACK AND dependency IN_LIST WEIR_NODE_STACK) OR
     (module IN_LIST WEIR_NODE_STACK AND dependency IN_LIST WEIR_CONTROL_STACK))
    message(FATAL_ERROR "'${module}' and '${dependency}' belong to stacks that never include each other")
  endif()
  if(module STREQUAL "cli" AND (dependency IN_LIST WEIR_CONTROL_STACK OR dependency IN_LIST WEIR_NODE_STACK))
    message(FATAL_ERROR "cli is a client of the native API and may not depend on '${dependency}'")
  endif()
endfunction()
