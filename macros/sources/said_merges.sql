{% macro said_merges(versions, kind, id, merged_into=none, merged_ids=none) %}
    {#- Every word on a merge, from both sides: (kind, source_relation, source_id, merged_into_id, is_current_version,
        updated_at, extracted_at).

        versions: rows in which former versions count too: a loader that keeps history closes the merged row.
        merged_into: the column of the merged row that names its survivor. merged_ids: the column of the survivor that
        lists the rows it took in (HubSpot). -#}
    with

    {% if merged_ids -%}
    lists as (

        select source_relation, {{ id }}, {{ merged_ids }}, is_current_version, updated_at, extracted_at
        from {{ versions }}
        where {{ merged_ids }} is not null and row_problem is null

    ),

    listed as (

        {{ account_mapping.explode_items(
            'lists', merged_ids,
            keep=['source_relation', id, 'is_current_version', 'updated_at', 'extracted_at']
        ) }}

    ),

    {% endif -%}
    said as (

        {% if merged_into -%}
        select
            source_relation,
            {{ id }} as source_id,
            {{ merged_into }} as merged_into_id,
            is_current_version,
            updated_at,
            extracted_at

        from {{ versions }}
        where {{ merged_into }} is not null and row_problem is null
        {%- endif %}
        {%- if merged_into and merged_ids %}

        union all

        {% endif -%}
        {% if merged_ids -%}
        select
            source_relation,
            {{ account_mapping.clean_id('item') }} as source_id,
            {{ id }} as merged_into_id,
            is_current_version,
            updated_at,
            extracted_at

        from listed
        {%- endif %}

    )

    select
        '{{ kind }}' as kind,
        *

    from said
{% endmacro %}
