-- what a partner's customers have open is one and the same, told deal by deal or as the partner's impact
with

deals as (

    select * from {{ ref('account_mapping__deals') }}
    where
        deal_state = 'open'
        and partner_status = 'customer'
        and relationship = 'same'

),

impact as (

    select * from {{ ref('account_mapping__partner_impact') }}
    where
        measure = 'potential_revenue'
        and state = 'measured'
        and partner_id <> 'all'

),

counted as (

    select
        partner_id,
        count(*) as n_deals

    from deals
    group by partner_id

)

select
    impact.partner_id,
    impact.customer_deals,
    counted.n_deals

from impact
left join counted
    on impact.partner_id = counted.partner_id
where impact.customer_deals <> coalesce(counted.n_deals, 0)
