with

scoped_accounts as (

    select * from {{ ref('int_account_mapping__scoped_accounts') }}

),

family_roots as (

    select * from {{ ref('int_account_mapping__family_roots') }}

),

placed as (

    select
        scoped_accounts.*,
        coalesce(family_roots.root_account_id, scoped_accounts.account_id) as unit_id,
        coalesce(family_roots.is_cyclic, false) as is_cyclic,
        {{ account_mapping.status_rank('scoped_accounts.status') }} as status_rank

    from scoped_accounts
    left join family_roots
        on
            scoped_accounts.side = family_roots.side
            and scoped_accounts.scope = family_roots.scope
            and scoped_accounts.account_id = family_roots.account_id

),

family_tops as (

    select distinct
        side,
        scope,
        root_account_id

    from family_roots

),

-- most accounts are a family of one, so that only few rows have to be added up
families as (

    select
        placed.side,
        placed.scope,
        placed.unit_id,
        min(placed.status_rank) as status_rank,
        sum(placed.open_amount) as open_amount

    from placed
    inner join family_tops
        on
            placed.side = family_tops.side
            and placed.scope = family_tops.scope
            and placed.unit_id = family_tops.root_account_id
    group by placed.side, placed.scope, placed.unit_id

),

final as (

    select
        placed.side,
        placed.scope,
        placed.account_id,
        placed.unit_id,
        case
            when placed.unit_id <> placed.account_id then placed.parent_account_id
        end as parent_account_id,
        placed.status,
        placed.status_rank,
        cast(placed.open_amount as decimal(28, 2)) as open_amount,
        coalesce(families.status_rank, placed.status_rank) as unit_status_rank,
        cast(coalesce(families.open_amount, placed.open_amount) as decimal(28, 2)) as unit_open_amount,
        placed.is_cyclic

    from placed
    left join families
        on
            placed.side = families.side
            and placed.scope = families.scope
            and placed.unit_id = families.unit_id

)

select * from final
