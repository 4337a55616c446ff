with

account_versions as (

    select * from {{ ref('int_account_mapping__account_versions') }}

),

merge_roots as (

    select * from {{ ref('int_account_mapping__merge_roots') }}
    where kind = 'accounts'

),

latest_accounts as (

    select * from account_versions
    where version_rank = 1

),

survivors as (

    {{ account_mapping.survivors('merge_roots', 'account_versions', 'source_account_id') | indent(4) }}

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
        source_id as source_account_id,
        surviving_source_id as surviving_source_account_id

    from survivors
    where source_id <> surviving_source_id

),

-- a merged id stands twice: for its survivor, if any row has that, and for itself as loaded
resolved as (

    select
        pointers.source_relation,
        pointers.source_account_id,
        pointers.surviving_source_account_id,
        latest_accounts.record_state,
        row_number() over (
            partition by pointers.source_relation, pointers.source_account_id
            order by
                case
                    when pointers.source_account_id = pointers.surviving_source_account_id then 1
                    else 0
                end
        ) as preference

    from pointers
    inner join latest_accounts
        on
            pointers.source_relation = latest_accounts.source_relation
            and pointers.surviving_source_account_id = latest_accounts.source_account_id

),

final as (

    -- an account that was deleted took along what was merged into it
    select
        resolved.source_relation,
        resolved.source_account_id,
        resolved.source_relation || ':' || resolved.surviving_source_account_id as account_id,
        resolved.source_account_id <> resolved.surviving_source_account_id as is_merged,
        coalesce(survivors.is_cyclic, false) as is_merge_cycle

    from resolved
    left join survivors
        on
            resolved.source_relation = survivors.source_relation
            and resolved.source_account_id = survivors.source_id
    where
        resolved.preference = 1
        and resolved.record_state = 'current'

)

select * from final
