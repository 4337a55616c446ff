with

plays as (

    select * from {{ ref('account_mapping__plays') }}

),

shared_accounts as (

    select
        links.*,
        plays.play,
        coalesce(lower(links.our_owner_email), links.our_owner) as our_owner_key,
        coalesce(lower(links.partner_owner_email), links.partner_owner) as partner_owner_key

    from {{ ref('account_mapping__overlaps') }} as links
    left join plays
        on
            links.partner_id = plays.partner_id
            and links.account_id = plays.account_id
    where
        links.is_primary
        and links.relationship = 'same'

),

final as (

    -- a person is an e-mail address, whatever spelling of the name; where there is none, the name
    select
        partner_id,
        partner_name,
        partner_type,
        tier,
        our_owner_key,
        partner_owner_key,
        min(our_owner) as our_owner,
        min(lower(our_owner_email)) as our_owner_email,
        min(partner_owner) as partner_owner,
        min(lower(partner_owner_email)) as partner_owner_email,
        cast(count(*) as bigint) as shared_accounts,
        cast(count(play) as bigint) as plays,
        cast(sum(our_open_amount) as decimal(28, 2)) as our_open_amount

    from shared_accounts
    group by partner_id, partner_name, partner_type, tier, our_owner_key, partner_owner_key

)

select * from final
