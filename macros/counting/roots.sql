{% macro roots(edges, scope, node, parent, doublings=10) -%}
    {#- The root that each node of `edges` leads to: the last node that has no parent or, where the path runs into
        a cycle, the least node of that cycle. Nodes without a parent are roots and not listed.

        `edges` (a CTE's name) holds at most one row per (scope, node), parent never null and never the node itself.
        Returns (scope, node, root, is_cyclic), followed by pointer jumping: after n self-joins each pointer
        has moved 2^n steps, so ten joins follow paths of 1,024. A recursive CTE would not run on every engine. -#}
    with

    jump_0 as {{ account_mapping.materialized() }} (

        select
            {{ scope }},
            {{ node }} as node,
            {{ parent }} as pointer,
            {{ parent }} as least

        from {{ edges }}

    ),

    {% for step in range(doublings) %}
    jump_{{ step + 1 }} as {{ account_mapping.materialized() }} (

        select
            jump.{{ scope }},
            jump.node,
            coalesce(further.pointer, jump.pointer) as pointer,
            least(jump.least, coalesce(further.least, jump.least)) as least

        from jump_{{ step }} as jump
        left join jump_{{ step }} as further
            on jump.{{ scope }} = further.{{ scope }}
            and jump.pointer = further.node

    ),
    {% endfor %}

    {% set last = 'jump_' ~ doublings -%}
    final as (

        -- a pointer that still has a parent has been going round a cycle
        select
            jump.{{ scope }},
            jump.node,
            coalesce(cycle.least, jump.pointer) as root,
            cycle.node is not null as is_cyclic

        from {{ last }} as jump
        left join {{ last }} as cycle
            on jump.{{ scope }} = cycle.{{ scope }}
            and jump.pointer = cycle.node

    )

    select * from final
{%- endmacro %}
