with

agreed_fields as (

    select * from {{ ref('int_account_mapping__agreed_fields') }}
    where direction = 'in'

),

-- of a partner that tells no status any cell may be meant
final as (

    select distinct
        partner_id,
        our_status,
        partner_status,
        field

    from agreed_fields

    union

    select distinct
        partner_id,
        our_status,
        'not_shared' as partner_status,
        field

    from agreed_fields

)

select * from final
