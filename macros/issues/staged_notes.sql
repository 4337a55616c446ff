{% macro staged_notes(relation) %}
    {#- What of the rows of a relation could not be read, one row per source table, problem and staged column:
        (source, row_key, problem, detail, n_rows) with the least value as an example.
        relation: rows with source_relation, source_table and the `notes` of stage_table. -#}
    select
        source,
        split_part(note, '|', 2) as row_key,
        split_part(note, '|', 1) as problem,
        'such as: ' || min(substr(note, length(split_part(note, '|', 1)) + length(split_part(note, '|', 2)) + 3)) as detail,
        count(*) as n_rows
    from (
        select
            source_relation || '.' || source_table as source,
            {{ account_mapping._each_note('notes') }} as note
        from {{ relation }}
        where notes is not null
    ) as noted
    where note <> ''
    group by source, split_part(note, '|', 2), split_part(note, '|', 1)
{% endmacro %}

{% macro _each_note(notes) -%}
    {{- return(adapter.dispatch('each_note', 'account_mapping')(notes)) -}}
{%- endmacro %}

{% macro default__each_note(notes) -%}
    {{- account_mapping._engine_lacks('each_note') -}}
{%- endmacro %}

{% macro duckdb__each_note(notes) -%}
    unnest(string_split({{ notes }}, chr(31)))
{%- endmacro %}

{% macro spark__each_note(notes) -%}
    explode(split({{ notes }}, chr(31)))
{%- endmacro %}
