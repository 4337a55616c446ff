{% macro survivors(versions, id, merged_into=none, merged_ids=none) %}
    {#- What each merged record was merged into: (source_relation, source_id, surviving_source_id, is_cyclic,
        surviving_state: the record_state of another record that survives it, if there is that), one row per record that is not its own survivor or lies on a cycle, along chains; the least id of a cycle survives.

        versions: rows with a version_rank, in which former versions count too: a loader that keeps history closes the
        merged row. merged_into: the column of the merged row that names its survivor. merged_ids: the column of the
        survivor that lists the rows it took in (HubSpot). Of several words on one record the latest counts. -#}
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
    merged_pairs as (

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

    ),

    ranked_merges as (

        select
            source_relation,
            source_id,
            merged_into_id,
            row_number() over (
                partition by source_relation, source_id
                order by
                    is_current_version desc, updated_at desc nulls last, extracted_at desc nulls last, merged_into_id
            ) as row_rank

        from merged_pairs
        where source_id <> merged_into_id

    ),

    merge_edges as (

        select
            source_relation,
            source_id,
            merged_into_id

        from ranked_merges
        where row_rank = 1

    ),

    merge_roots as (

        {{ account_mapping.roots('merge_edges', 'source_relation', 'source_id', 'merged_into_id') | indent(8) }}

    )

    select
        merge_roots.source_relation,
        merge_roots.node as source_id,
        merge_roots.root as surviving_source_id,
        merge_roots.is_cyclic,
        case when merge_roots.node <> merge_roots.root then latest.record_state end as surviving_state

    from merge_roots
    left join {{ versions }} as latest
        on
            merge_roots.source_relation = latest.source_relation
            and merge_roots.root = latest.{{ id }}
            and latest.version_rank = 1
{% endmacro %}
