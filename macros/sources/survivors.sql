{% macro survivors(merge_roots, versions, id) %}
    {#- What each merged record was merged into: (source_relation, source_id, surviving_source_id, is_cyclic,
        surviving_state: the record_state of another record that survives it, if there is that), one row per record
        that is not its own survivor or lies on a cycle, along chains; the least id of a cycle survives.

        merge_roots: the merges of one kind. versions: the rows of that kind with version_rank and record_state. -#}
    select
        merge_roots.source_relation,
        merge_roots.source_id,
        merge_roots.surviving_source_id,
        merge_roots.is_cyclic,
        case when merge_roots.source_id <> merge_roots.surviving_source_id then latest.record_state end as surviving_state

    from {{ merge_roots }} as merge_roots
    left join {{ versions }} as latest
        on
            merge_roots.source_relation = latest.source_relation
            and merge_roots.surviving_source_id = latest.{{ id }}
            and latest.version_rank = 1
{% endmacro %}
