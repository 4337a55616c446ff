-- The curve of partners that share one denominator ends at the union of what they cover, and no rank adds more than the
-- one before it.
with

ecosystem_coverage as (

    select * from {{ ref('int_account_mapping__ecosystem_coverage') }}

),

covered as (

    select
        rollup,
        count(distinct unit_number) as covered_accounts

    from {{ ref('int_account_mapping__ecosystem_links') }}
    group by rollup

),

steps as (

    select
        *,
        lag(added_accounts) over (partition by rollup, target_list, our_status order by rank) as former_added,
        lag(partner_id) over (partition by rollup, target_list, our_status order by rank) as former_partner_id

    from ecosystem_coverage

),

final as (

    select
        steps.rollup,
        steps.target_list,
        steps.our_status,
        steps.rank

    from steps
    left join covered
        on steps.rollup = covered.rollup
    where
        steps.added_accounts > steps.former_added
        or (steps.added_accounts = steps.former_added and steps.partner_id < steps.former_partner_id)
        or (
            steps.our_status = 'all'
            and steps.target_list = 'all'
            and steps.limit_accounts <> coalesce(covered.covered_accounts, 0)
        )

)

select * from final
