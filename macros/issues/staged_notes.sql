{% macro staged_notes(relation) %}
    {#- What of the rows of a relation could not be read, one row per source table, problem and staged column:
        (source, row_key, problem, detail, n_rows) with the least value as an example.
        relation: rows with source_relation, source_table and the `notes` of stage_table. -#}
    {{- return(adapter.dispatch('staged_notes', 'account_mapping')(relation)) -}}
{% endmacro %}

{% macro default__staged_notes(relation) -%}
    {{- account_mapping._engine_lacks('staged_notes') -}}
{%- endmacro %}

{% macro duckdb__staged_notes(relation) %}
    select
        source,
        split_part(note, '|', 2) as row_key,
        split_part(note, '|', 1) as problem,
        'such as: ' || min(substr(note, length(split_part(note, '|', 1)) + length(split_part(note, '|', 2)) + 3)) as detail,
        count(*) as n_rows
    from (
        select
            source_relation || '.' || source_table as source,
            unnest(string_split(notes, chr(31))) as note
        from {{ relation }}
        where notes is not null
    ) as noted
    where note <> ''
    group by source, split_part(note, '|', 2), split_part(note, '|', 1)
{% endmacro %}

{% macro spark__staged_notes(relation) %}
    select
        source,
        split_part(note, '|', 2) as row_key,
        split_part(note, '|', 1) as problem,
        'such as: ' || min(substr(note, length(split_part(note, '|', 1)) + length(split_part(note, '|', 2)) + 3)) as detail,
        count(*) as n_rows
    from (
        select
            source_relation || '.' || source_table as source,
            explode(split(notes, chr(31))) as note
        from {{ relation }}
        where notes is not null
    ) as noted
    where note <> ''
    group by source, split_part(note, '|', 2), split_part(note, '|', 1)
{% endmacro %}
