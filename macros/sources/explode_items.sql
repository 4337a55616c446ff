{% macro explode_items(relation, column, keep) %}
    {#- One row per item of a list that a loader wrote into one cell: a select of the columns `keep` of `relation`
        with `item` (text; an object as JSON text) and `position` (from 1). Empty items leave. For the notations of
        lists see list_items. -#}
    {{- return(adapter.dispatch('explode_items', 'account_mapping')(relation, column, keep)) -}}
{% endmacro %}

{% macro default__explode_items(relation, column, keep) -%}
    {{- account_mapping._engine_lacks('explode_items') -}}
{%- endmacro %}

{% macro duckdb__explode_items(relation, column, keep) %}
    select
    {%- for name in keep %}
        {{ relation }}.{{ name }},
    {%- endfor %}
        {{ account_mapping.clean_text('items.item') }} as item,
        items.position
    from {{ relation }}
    cross join unnest({{ account_mapping.list_items(relation ~ '.' ~ column) }}) with ordinality as items(item, position)
    where {{ account_mapping.clean_text('items.item') }} is not null
{% endmacro %}

{% macro spark__explode_items(relation, column, keep) %}
    select
    {%- for name in keep %}
        {{ relation }}.{{ name }},
    {%- endfor %}
        {{ account_mapping.clean_text('items.item') }} as item,
        cast(items.place + 1 as bigint) as position
    from {{ relation }}
    lateral view posexplode({{ account_mapping.list_items(relation ~ '.' ~ column) }}) items as place, item
    where {{ account_mapping.clean_text('items.item') }} is not null
{% endmacro %}

{% macro first_item(list) %}
    {#- The first item of a list that a loader wrote into one cell, as explode_items gives it. -#}
    {{- return(adapter.dispatch('first_item', 'account_mapping')(list)) -}}
{% endmacro %}

{% macro default__first_item(list) -%}
    {{- account_mapping._engine_lacks('first_item') -}}
{%- endmacro %}

{% macro duckdb__first_item(list) -%}
    {{ account_mapping.clean_text('(' ~ account_mapping.list_items(list) ~ ')[1]') }}
{%- endmacro %}

{% macro spark__first_item(list) -%}
    {{ account_mapping.clean_text('get(' ~ account_mapping.list_items(list) ~ ', 0)') }}
{%- endmacro %}

{% macro list_items(list) %}
    {#- A list that a loader wrote into one cell, as an array of texts: a JSON array, one JSON object, Python's or
        PostgreSQL's notation (`['201']`, `{201,202}`), or text separated by `;`, `,` or `|`. -#}
    {{- return(adapter.dispatch('list_items', 'account_mapping')(list)) -}}
{% endmacro %}

{% macro default__list_items(list) -%}
    {{- account_mapping._engine_lacks('list_items') -}}
{%- endmacro %}

{% macro duckdb__list_items(list) -%}
    {%- set as_json -%}
        replace(replace(replace(replace({{ list }}, chr(39), '"'), 'None', 'null'), 'True', 'true'), 'False', 'false')
    {%- endset -%}
    case
        when starts_with({{ list }}, '[') and json_valid({{ list }}) then json_extract_string({{ list }}, '$[*]')
        when starts_with({{ list }}, '{') and json_valid({{ list }}) then [{{ list }}]
        when starts_with({{ list }}, '[') and json_valid({{ as_json }}) then json_extract_string({{ as_json }}, '$[*]')
        when starts_with({{ list }}, '{') and json_valid({{ as_json }}) then [{{ as_json }}]
        when regexp_full_match({{ list }}, '[\[{].*[\]}]')
            then string_split_regex(regexp_replace({{ list }}, '[\[\]{}"]', '', 'g'), '[;,|]')
        else string_split_regex({{ list }}, '[;,|]')
    end
{%- endmacro %}

{% macro spark__list_items(list) -%}
    {%- set as_json -%}
        replace(replace(replace(replace({{ list }}, chr(39), '"'), 'None', 'null'), 'True', 'true'), 'False', 'false')
    {%- endset -%}
    case
        when startswith({{ list }}, '[') and json_array_length('[' || {{ list }} || ']') = 1 then {{ account_mapping._spark_texts(list) }}
        when {{ account_mapping._spark_is_object(list) }} then array({{ list }})
        when startswith({{ list }}, '[') and json_array_length('[' || {{ as_json }} || ']') = 1 then {{ account_mapping._spark_texts(as_json) }}
        when {{ account_mapping._spark_is_object(as_json) }} then array({{ as_json }})
        when {{ account_mapping.matches_pattern(list, '^[\\[{].*[\\]}]$') }}
            then split({{ account_mapping._spark_replace(list, '[\\[\\]{}"]', '') }}, '[;,|]')
        else split({{ list }}, '[;,|]')
    end
{%- endmacro %}

{% macro _spark_texts(list) -%}
    {#- A JSON array given as text, as an array of texts. -#}
    from_json({{ list }}, 'array<string>', map('allowSingleQuotes', 'false'))
{%- endmacro %}
