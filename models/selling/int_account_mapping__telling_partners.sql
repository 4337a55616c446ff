with

partners as (

    select * from {{ ref('int_account_mapping__partners') }}

),

overlap_matrix as (

    select * from {{ ref('int_account_mapping__overlap_matrix') }}
    where rollup = 'account'

),

shared_statuses as (

    select
        partner_id,
        max(case when partner_status = 'customer' then 1 else 0 end) as has_customers,
        max(case when partner_status = 'customer' and cell_state = 'counted' then 1 else 0 end) as tells_customers,
        max(case when cell_state = 'counted' then 1 else 0 end) as tells_any

    from overlap_matrix
    group by partner_id

),

final as (

    -- one that tells other statuses and no customer has none; of one that tells no status we do not know
    select
        partners.partner_id,
        partners.account_scope,
        partners.exchange

    from partners
    inner join shared_statuses
        on partners.partner_id = shared_statuses.partner_id
    where
        shared_statuses.tells_customers = 1
        or (shared_statuses.has_customers = 0 and shared_statuses.tells_any = 1)

)

select * from final
