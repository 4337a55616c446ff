with

latest_accounts as (

    select * from {{ ref('int_account_mapping__account_versions') }}
    where version_rank = 1

),

merge_edges as (

    select
        source_relation,
        source_account_id,
        min(merged_into_source_account_id) as merged_into_source_account_id

    from {{ ref('int_account_mapping__crm_merges') }}
    group by source_relation, source_account_id

),

merge_roots as (

    {{ account_mapping.roots(
        'merge_edges', 'source_relation', 'source_account_id', 'merged_into_source_account_id'
    ) | indent(4) }}

),

pointers as (

    select
        source_relation,
        source_account_id,
        source_account_id as surviving_source_account_id

    from latest_accounts

    union all

    select
        source_relation,
        node as source_account_id,
        root as surviving_source_account_id

    from merge_roots
    where node <> root

),

-- a merged id stands twice: for itself as loaded and for its survivor
resolved as (

    select
        pointers.source_relation,
        pointers.source_account_id,
        pointers.surviving_source_account_id,
        row_number() over (
            partition by pointers.source_relation, pointers.source_account_id
            order by
                case
                    when pointers.source_account_id = pointers.surviving_source_account_id then 1
                    else 0
                end
        ) as preference

    from pointers

),

final as (

    select
        resolved.source_relation,
        resolved.source_account_id,
        resolved.source_relation || ':' || resolved.surviving_source_account_id as account_id,
        resolved.source_account_id <> resolved.surviving_source_account_id as is_merged,
        coalesce(merge_roots.is_cyclic, false) as is_merge_cycle

    from resolved
    inner join latest_accounts
        on
            resolved.source_relation = latest_accounts.source_relation
            and resolved.surviving_source_account_id = latest_accounts.source_account_id
    left join merge_roots
        on
            resolved.source_relation = merge_roots.source_relation
            and resolved.source_account_id = merge_roots.node
    where
        resolved.preference = 1
        and not latest_accounts.is_deleted

)

select * from final
