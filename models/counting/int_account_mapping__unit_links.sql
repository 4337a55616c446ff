with

links as (

    select * from {{ ref('int_account_mapping__links') }}
    where decision = 'accepted'

),

final as (

    -- records are linked where they are the same company, families by every accepted relationship
    select
        partner_id,
        'account' as rollup,
        account_scope,
        account_id as our_unit_id,
        partner_account_id as partner_unit_id,
        our_status_rank,
        our_open_amount,
        partner_status_rank

    from links
    where relationship = 'same'

    union all

    select distinct
        partner_id,
        'parent' as rollup,
        account_scope,
        our_unit_id,
        partner_unit_id,
        our_unit_status_rank as our_status_rank,
        our_unit_open_amount as our_open_amount,
        partner_unit_status_rank as partner_status_rank

    from links

)

select * from final
