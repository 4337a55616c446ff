{% macro explode_items(relation, column, keep) %}
    {#- One row per item of a list that a loader wrote into one cell: a select of the columns `keep` of `relation`
        with `item` (text; an object as JSON text) and `position` (from 1).
        `column` holds a JSON array, one JSON object, or text separated by `;` or `,`. Empty items leave. -#}
    {{- return(adapter.dispatch('explode_items', 'account_mapping')(relation, column, keep)) -}}
{% endmacro %}

{% macro duckdb__explode_items(relation, column, keep) %}
    select
    {%- for name in keep %}
        {{ relation }}.{{ name }},
    {%- endfor %}
        {{ account_mapping.clean_text('items.item') }} as item,
        items.position
    from {{ relation }}
    cross join unnest(
        case
            when starts_with({{ relation }}.{{ column }}, '[') and json_valid({{ relation }}.{{ column }})
                then json_extract_string({{ relation }}.{{ column }}, '$[*]')
            when starts_with({{ relation }}.{{ column }}, '{') and json_valid({{ relation }}.{{ column }})
                then [{{ relation }}.{{ column }}]
            else string_split_regex({{ relation }}.{{ column }}, '[;,]')
        end
    ) with ordinality as items(item, position)
    where {{ account_mapping.clean_text('items.item') }} is not null
{% endmacro %}
