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
        partner_account_id as partner_unit_id

    from links
    where relationship = 'same'

    union

    select
        partner_id,
        'parent' as rollup,
        account_scope,
        our_unit_id,
        partner_unit_id

    from links

)

select * from final
